#!/usr/bin/env bash
# Makes the font files of this folder anew: takes the released fonts from npm, keeps what the site shows, writes woff2.
# Needs npm and python3; installs fonttools into a throw-away folder. The result is checked in, so nobody has to run
# this to build the site.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

here="$PWD"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Letters of Europe, those of ISO 15919 and IAST with the combining marks they need, punctuation, small digits.
latin="U+0020-007E,U+00A0-017F,U+02BC,U+0300-0304,U+0306-0308,U+030C,U+0310,U+0323-0325,U+0329,U+0331,U+035F"
latin="$latin,U+1E0C-1E0D,U+1E24-1E25,U+1E32-1E3B,U+1E40-1E49,U+1E58-1E5F,U+1E62-1E63,U+1E6C-1E6F,U+1E92-1E93"
latin="$latin,U+1E8E-1E8F,U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032-2033,U+2039-203A,U+2044,U+2070-209C"
latin="$latin,U+20B9,U+2212"

# The names of the scripts in themselves, and the words that the first page offers to try: a menu needs no whole font.
menu="देवनागरीதமிழ்తెలుగుಕನ್ನಡമലയാളംहिन्दीகல்யாணிశ్యామ శాస్త్రి"

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet fonttools==4.68.0 brotli==1.2.1

take() { # PACKAGE FILE: unpacks a package and prints the path of one of its files
  local folder="$work/${1//[@\/]/_}"
  if [ ! -d "$folder" ]; then
    mkdir "$folder"
    (cd "$folder" && tar xzf "$(npm pack --silent "$1" 2>/dev/null | tail -1)")
  fi
  echo "$folder/package/$2"
}

subset() { # SOURCE TARGET OPTIONS…
  local source="$1" target="$2"
  shift 2
  "$work/venv/bin/pyftsubset" "$source" --output-file="$here/$target" --flavor=woff2 --no-hinting --desubroutinize \
    --layout-features='*' --name-IDs='*' "$@"
}

for cut in 400Regular:400 600SemiBold:600; do
  subset "$(take @expo-google-fonts/noto-serif@0.4.2 "${cut%:*}/NotoSerif_${cut%:*}.ttf")" "serif-${cut#*:}.woff2" \
    --unicodes="$latin" --layout-features='kern,mark,mkmk,ccmp,liga,locl,subs,sups'
  subset "$(take @expo-google-fonts/noto-sans@0.4.2 "${cut%:*}/NotoSans_${cut%:*}.ttf")" "sans-${cut#*:}.woff2" \
    --unicodes="$latin" --layout-features='kern,mark,mkmk,ccmp,liga,locl,tnum,subs,sups'
done
cp "$(take @expo-google-fonts/noto-serif@0.4.2 LICENSE_FONT)" OFL.txt

while read -r package file name range; do
  source="$(take "$package" "files/$file-400-normal.woff2")"
  subset "$source" "$name.woff2" --unicodes="$range,U+200C-200D,U+25CC"
  subset "$source" "menu-$name.woff2" --text="$menu" --unicodes="U+200C-200D"
done <<'END'
@fontsource/noto-serif-devanagari@5.3.0 noto-serif-devanagari-devanagari devanagari U+0900-097F
@fontsource/noto-serif-tamil@5.3.0 noto-serif-tamil-tamil tamil U+0964-0965,U+0B82-0BFA
@fontsource/noto-serif-telugu@5.3.0 noto-serif-telugu-telugu telugu U+0951-0952,U+0964-0965,U+0C00-0C7F
@fontsource/noto-sans-kannada@5.3.0 noto-sans-kannada-kannada kannada U+0951-0952,U+0964-0965,U+0C80-0CF3
@fontsource/noto-serif-malayalam@5.3.0 noto-serif-malayalam-malayalam malayalam U+0951-0952,U+0964-0965,U+0D00-0D7F
END
ls -l "$here"/*.woff2
