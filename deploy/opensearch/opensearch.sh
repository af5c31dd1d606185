#!/usr/bin/env bash
# A real OpenSearch on this machine, for tests and for `sangraha up --search opensearch`: one node, loopback
# only, small memory.
#
#   opensearch.sh find                     prints the unpacked distribution, or fails with a sentence
#   opensearch.sh fetch                    fetches it once into the cache folder, checks its sum, then as find
#   opensearch.sh serve FOLDER PORT [keep] runs a node with its data in FOLDER until standard input ends; then
#                                          stops it and, without `keep`, removes FOLDER. PORT + 1 is taken too
#
# SANGRAHA_CACHE is the cache folder; OPENSEARCH_JAVA_HOME a Java of version 21 or later; OPENSEARCH_HEAP the
# memory of its heap (512m).
set -euo pipefail

version=3.6.0
# The distribution as its project publishes it for integration tests: complete but for optional plugins.
artifact="org.opensearch.distribution.integ-test-zip:opensearch:$version:zip"
sha256=a91faa1dc1cadc78cb278b4f63847e19e1627a4e9de698e14e7efc14ee37b286
# Not needed here, and half of the size.
left_out=("opensearch-$version/modules/ingest-geoip/*" "opensearch-$version/modules/opensearch-dashboards/*")
java_min=21

say() { printf '%s\n' "$*" >&2; }

give_up() {
  say "No OpenSearch: $*"
  exit 1
}

# Root's home is closed to the account that the node runs as.
if [ -n "${SANGRAHA_CACHE:-}" ]; then
  cache="$SANGRAHA_CACHE"
elif [ "$(id -u)" -eq 0 ]; then
  cache=/var/cache/sangraha
else
  cache="${XDG_CACHE_HOME:-$HOME/.cache}/sangraha"
fi
home="$cache/opensearch-$version"

java_version() {
  "$1/bin/java" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p'
}

# The newest Java that is new enough.
find_java() {
  local folder number best="" best_number=0
  for folder in "${OPENSEARCH_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/java/*; do
    [ -n "$folder" ] && [ -x "$folder/bin/java" ] || continue
    number="$(java_version "$folder")"
    if [ "${number:-0}" -ge "$java_min" ] && [ "$number" -gt "$best_number" ]; then
      best="$folder" best_number="$number"
    fi
  done
  printf '%s' "$best"
}

apt_install() {
  command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] || return 1
  apt-get update -qq >/dev/null 2>&1 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

need_java() {
  [ -n "$(find_java)" ] && return
  say "installing Java (OpenSearch $version needs $java_min or later) …"
  apt_install openjdk-25-jre-headless || apt_install openjdk-21-jre-headless || true
  [ -n "$(find_java)" ] ||
    give_up "there is no Java $java_min or later in OPENSEARCH_JAVA_HOME, JAVA_HOME, /usr/lib/jvm or /opt/java, and the package manager has none; install one (Debian 13: apt-get install openjdk-21-jre-headless)."
}

find_home() {
  [ -x "$home/bin/opensearch" ] || give_up "version $version is not in $cache; \`deploy/opensearch/opensearch.sh fetch\` brings it there."
  [ -n "$(find_java)" ] || give_up "there is no Java $java_min or later in OPENSEARCH_JAVA_HOME, JAVA_HOME, /usr/lib/jvm or /opt/java."
  printf '%s\n' "$home"
}

fetch() {
  need_java
  if [ ! -x "$home/bin/opensearch" ]; then
    command -v mvn >/dev/null || apt_install maven || give_up "\`mvn\` fetches it from Maven Central and is not here; install Maven (Debian: apt-get install maven)."
    command -v unzip >/dev/null || apt_install unzip || give_up "there is no \`unzip\`."
    say "fetching OpenSearch $version from Maven Central (162 MB, once; kept in $cache) …"
    mkdir -p "$cache"
    folder="$(mktemp -d "$cache/fetch.XXXXXX")"
    trap 'rm -rf "$folder"' EXIT
    mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
      -Dartifact="$artifact" -DoutputDirectory="$folder" >&2 || give_up "Maven could not fetch $artifact."
    local zip="$folder/opensearch-$version.zip"
    echo "$sha256  $zip" | sha256sum --check --quiet >&2 ||
      give_up "what Maven fetched is not the file that was pinned; nothing of it was used."
    unzip -q "$zip" -d "$folder" -x "${left_out[@]}"
    chmod -R a+rX "$folder/opensearch-$version"
    chmod a+x "$folder/opensearch-$version"/bin/*
    # In one step, so that a half unpacked folder is never found. Whoever came first has won.
    mv -T "$folder/opensearch-$version" "$home" 2>/dev/null || [ -x "$home/bin/opensearch" ]
    chmod a+rx "$cache"
  fi
  find_home
}


configure() {
  local folder="$1" port="$2"
  mkdir -p "$folder"/{config,data,logs,tmp}
  cp "$home/config/log4j2.properties" "$folder/config/"
  cat >"$folder/config/opensearch.yml" <<YML
cluster.name: sangraha
node.name: node-$port
network.host: 127.0.0.1
http.port: $port
transport.port: $((port + 1))
discovery.type: single-node
path.data: $folder/data
path.logs: $folder/logs
action.auto_create_index: false
cluster.routing.allocation.disk.threshold_enabled: false
node.store.allow_mmap: false
YML
  local heap="${OPENSEARCH_HEAP:-512m}"
  cat >"$folder/config/jvm.options" <<JVM
-Xms$heap
-Xmx$heap
${OPENSEARCH_JVM:--XX:+UseSerialGC
-XX:TieredStopAtLevel=1}
-XX:-AlwaysPreTouch
-XX:+UnlockDiagnosticVMOptions
-XX:+AllowArchivingWithJavaAgent
-XX:+AutoCreateSharedArchive
-XX:SharedArchiveFile=$cache/java/opensearch-$version-$(java_version "$JAVA_HOME").jsa
-Djava.io.tmpdir=$folder/tmp
-Djava.security.manager=allow
--enable-native-access=ALL-UNNAMED
--add-opens=java.base/java.nio=ALL-UNNAMED
-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1
-javaagent:agent/opensearch-agent.jar
JVM
  # The flag came and went with the security manager.
  [ "$(java_version "$JAVA_HOME")" -lt 24 ] || sed -i '/java.security.manager/d' "$folder/config/jvm.options"
}

# Root starts the node as somebody else, whom it needs no password to be.
account=nobody
if id -u postgres >/dev/null 2>&1; then account=postgres; fi

serve() {
  local folder="$1" port="$2" after="${3:-remove}"
  find_home >/dev/null
  JAVA_HOME="$(find_java)"
  mkdir -p "$folder" "$cache/java"
  folder="$(realpath "$folder")"
  configure "$folder" "$port"
  if [ "$(id -u)" -eq 0 ]; then chown -R "$account:$(id -gn "$account")" "$folder" "$cache/java"; fi
  export JAVA_HOME OPENSEARCH_JAVA_HOME="$JAVA_HOME" OPENSEARCH_PATH_CONF="$folder/config" OPENSEARCH_TMPDIR="$folder/tmp"
  cd "$home"
  # The pipe is ours: the node must not hold it open.
  exec 3<&0
  local as=()
  # The node refuses to run as root.
  if [ "$(id -u)" -eq 0 ]; then as=(setpriv --reuid="$account" --regid="$(id -g "$account")" --clear-groups); fi
  "${as[@]}" bin/opensearch -p "$folder/tmp/pid" </dev/null 3<&- &
  local node=$!
  (cat <&3 >/dev/null; kill -TERM "$node" 2>/dev/null || true) &
  local reader=$!
  trap 'kill -TERM "$node" 2>/dev/null || true' TERM INT
  local status=0
  wait "$node" || status=$?
  while kill -0 "$node" 2>/dev/null; do wait "$node" || status=$?; done
  kill "$reader" 2>/dev/null || true
  cd /
  [ "$after" = keep ] || rm -rf "$folder"
  # 143: it ended because it was told to.
  [ "$status" -eq 143 ] || exit "$status"
}

case "${1:-}" in
  find) find_home ;;
  fetch) fetch ;;
  serve) [ $# -ge 3 ] || give_up "serve needs FOLDER and PORT"; serve "$2" "$3" "${4:-}" ;;
  *) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
