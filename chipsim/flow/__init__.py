"""Flow through a device: the only room that knows DOLFINx and PETSc."""
