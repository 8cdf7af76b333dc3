"""The state in which cells are carried: alive, or fixed by formaldehyde."""

LIVE, FIXED = "live", "fixed"
STATES = (LIVE, FIXED)

#: Pressure that fixed cells need to pass an 8 um pore, over that of live ones: read, Coumans 2013, PLoS ONE 8:e61774, abstract. A
#: single datum, taken for every pore, and for the threshold as for the apparent viscosity.
FIXATION_FACTOR = 25.0
#: How far it may lie off, as a factor: assumed.
FIXATION_BAND = 2.0
