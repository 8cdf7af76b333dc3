# shellcheck shell=bash
# The private Debian root of tools/env, which sources this file: how it is made and how it is entered.
# shellcheck disable=SC2154,SC2034 # it shares tools/env's variables and functions

# The words of tools/packages-debian.txt without its comments.
packages() {
  # shellcheck disable=SC2046,SC2005 # lines become words
  echo $(sed 's/#.*//' "$checkout/tools/packages-debian.txt")
}

# Installs what is missing of the tools named; as an ordinary user it can only say so.
need() { # PACKAGE COMMAND ...
  local lacking=()
  while [[ $# -gt 0 ]]; do
    command -v "$2" >/dev/null || lacking+=("$1")
    shift 2
  done
  # Debian's keys; another distribution does not have them.
  [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || lacking+=(debian-archive-keyring)
  [[ ${#lacking[@]} -gt 0 ]] || return 0
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    die "python3 here has no DOLFINx 0.9 to 0.11, and a private Debian root needs: apt install ${lacking[*]}; or $alternatives."
  fi
  say "installing ${lacking[*]} with apt-get"
  # A fresh image has no package lists; one archive that fails need not matter.
  supervised apt-get -qq update || true
  supervised env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install "${lacking[@]}" ||
    die "apt-get could not install ${lacking[*]} (see above); install them by hand, or $alternatives."
}

# Runs mmdebstrap; $1 is the folder to fill. As an ordinary user it can only write an archive, so that goes through tar.
bootstrap() {
  # shellcheck disable=SC2016 # the hooks are for mmdebstrap's shell
  local options=(
    --variant=apt --components=main --include="$(packages | tr ' ' ,)"
    --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Retries "3"'
    # A moving suite is often past the date written in its index.
    --aptopt='Acquire::Check-Valid-Until "false"'
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*'
    --dpkgopt='path-exclude=/usr/share/locale/*'
    # With the reference BLAS a factorisation takes three times as long; with complex PETSc nothing here works.
    --customize-hook='readlink "$1"/etc/alternatives/libblas.so.3-* | grep -q openblas'
    --customize-hook='readlink "$1"/etc/alternatives/petsc | grep -q real'
  )
  if [[ $EUID -eq 0 ]]; then
    mmdebstrap "${options[@]}" "$suite" "$1" ${CHIPSIM_MIRROR:+"$CHIPSIM_MIRROR"}
  else
    mmdebstrap --mode=unshare --format=tar "${options[@]}" "$suite" - ${CHIPSIM_MIRROR:+"$CHIPSIM_MIRROR"} |
      tar -x -C "$1" --exclude='./dev/*'
  fi
}

make_root() { # uses $root
  begin "${root##*/}"
  if [[ ! -d $root ]]; then
    need mmdebstrap mmdebstrap bubblewrap bwrap
    local free
    free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1e6) }')
    [[ $free -ge 4 ]] || die "a private Debian root needs 4 GB in $cache, where $free GB are free; set CHIPSIM_CACHE to another disk."
    say "making a private Debian root ($suite, with DOLFINx) in $root; this is done once and takes about three minutes and 2.5 GB"
    half_made=$root.new
    rm -rf --one-file-system -- "$half_made"
    mkdir "$half_made"
    supervised bootstrap "$half_made" ||
      die "the Debian root ($suite) could not be made (see above); mend that and call again, or $alternatives."
    # These are bound from the host at every start, over a plain file.
    rm -f "$half_made/etc/resolv.conf"
    touch "$half_made"/etc/{resolv.conf,hosts}
    mv -T "$half_made" "$root"
    say "the Debian root is ready"
  fi
  finish
}

# What of the host is seen inside, at its own path: every top-level folder that is not Debian's own (/home, /root, /tmp, /work,
# /opt, ...), the folders in use wherever they are, and what the network and pip need.
binds=()
bind() {
  local path=$1 seen
  [[ $path == /* && -e $path ]] || return 0
  for seen in "${binds[@]}"; do
    if [[ $path == "$seen" || $path == "$seen"/* ]]; then return 0; fi
  done
  # The place to bind onto; left empty in the root afterwards, which harms nothing.
  if [[ -d $path ]]; then
    mkdir -p "$root$path"
  elif [[ ! -e $root$path ]]; then
    mkdir -p "$root${path%/*}" && touch "$root$path"
  fi
  binds+=("$path")
}

collect_binds() {
  local path
  for path in /*; do
    case $path in
      /bin | /boot | /dev | /etc | /lib* | /proc | /run | /sbin | /sys | /usr | /var | /lost+found) ;;
      *) if [[ -d $path ]]; then bind "$path"; fi ;;
    esac
  done
  for path in "$checkout" "$cache" "$(pwd -P)" "${HOME:-}" "${TMPDIR:-}" \
    /etc/resolv.conf /etc/hosts /etc/passwd /etc/group /usr/local/share/ca-certificates /etc/pip.conf /etc/xdg/pip \
    "${SSL_CERT_FILE:-}" "${SSL_CERT_DIR:-}" "${PIP_CERT:-}" "${REQUESTS_CA_BUNDLE:-}" "${CURL_CA_BUNDLE:-}"; do
    bind "$path"
  done
  # The host may trust more than Debian does (a company's proxy); elsewhere than in Debian this file has another name.
  if [[ -e /etc/ssl/certs/ca-certificates.crt ]]; then bind /etc/ssl/certs; fi
  # Local folders and files that pip's configuration or environment names: --find-links, file:///..., certificates.
  while read -r path; do bind "$path"; done < <(
    { env | sed -n 's/^PIP_[A-Z_]*=//p'
      sed 's/^[^=#]*=//' "${PIP_CONFIG_FILE:-/dev/null}" /etc/pip.conf /etc/xdg/pip/pip.conf 2>/dev/null || true
    } | tr -s ' \t,' '\n' | sed -n -e 's,^file://,,' -e '/^\//p'
  )
}

enter_bwrap() {
  local arguments=() path
  for path in "${binds[@]}"; do
    # Debian's own folders only to read: a package installed inside must not change the host.
    case $path in
      /etc/* | /usr/local/share/*) arguments+=(--ro-bind "$path" "$path") ;;
      *) arguments+=(--bind "$path" "$path") ;;
    esac
  done
  bwrap --die-with-parent --bind "$root" / --dev /dev --proc /proc --ro-bind /sys /sys "${arguments[@]}" \
    --chdir "$(pwd -P)" -- /usr/bin/env "${environment[@]}" "$@"
}

# The mounts are in a mount namespace of their own: they end with the command, and nothing outside can reach through them.
enter_chroot() {
  # shellcheck disable=SC2016 # for the inner shell
  setpriv --pdeathsig TERM unshare --mount --propagation private bash -c '
    set -e; root=$1 dir=$2; shift 2
    for d in /proc /sys /dev; do mount --rbind "$d" "$root$d"; done
    mount -o remount,bind,ro "$root/sys"
    while [ "$1" != -- ]; do
      mount --rbind "$1" "$root$1"
      case $1 in /etc/* | /usr/local/share/*) mount -o remount,bind,ro "$root$1" ;; esac
      shift
    done; shift
    exec chroot "$root" /usr/bin/env -C "$dir" "$@"' enter "$root" "$(pwd -P)" "${binds[@]}" -- "${environment[@]}" "$@"
}

# Picks the way in: the first that really runs.
choose_way() {
  local ways=(bwrap chroot) try
  if [[ -n ${CHIPSIM_ENTER:-} ]]; then ways=("$CHIPSIM_ENTER"); fi
  for try in "${ways[@]}"; do
    case $try in
      bwrap)
        # Root has chroot as well.
        [[ $EUID -eq 0 ]] || need bubblewrap bwrap
        if "enter_$try" true 2>/dev/null; then way=$try && return; fi
        ;;
      chroot) if [[ $EUID -eq 0 ]] && "enter_$try" true 2>/dev/null; then way=$try && return; fi ;;
      *) die "CHIPSIM_ENTER=$try is neither bwrap nor chroot." ;;
    esac
  done
  die "the Debian root cannot be entered here by ${ways[*]} (no right to make namespaces or mounts); $alternatives."
}
