#!/bin/bash
# kafka-lab.sh up|connect|crash|down [DIR]: a real Apache Kafka (KRaft) on loopback for tests (deploy/kafkalab). Needs Java 17 and Maven.
#
# up       starts BROKERS brokers (1, or 3; the first time it fetches 80 MB of jars), waits until they are ready, prints host:port of each
# connect  starts Kafka Connect with Debezium's connector for PostgreSQL beside the brokers, waits until it is ready, prints its URL
#          (EXACTLY_ONCE=enabled: one whose connectors may write in transactions)
# crash    kills Kafka Connect
# down     stops all of it, and removes what they kept
#
# A broker takes bearer tokens that nobody signed on the second port after that which is printed.
#
# DIR is bin/kafkalab by default, RUN what runs is kept in (DIR/run), PORT the first port (19710: Connect; three for each broker from 19713).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${2:-$here/../bin/kafkalab}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
run=${RUN:-$dir/run}
brokers=${BROKERS:-1}
port=${PORT:-19710}

# a process that has ended may still answer kill -0: its command line is empty
alive() { [ -f "$1" ] && grep -qzE 'kafka.Kafka|ConnectDistributed' "/proc/$(cat "$1")/cmdline" 2>/dev/null; }

# java of this start-up is for tests: one collector thread and the first compiler alone halve what it costs.
options=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=$here/kafkalab/log4j2.yaml" -cp "$dir/jars/*")

# start NAME ARGUMENTS...: starts a program of Java; its log and its process id are kept by the name.
start() {
	local name=$1
	shift
	setsid nohup java "${options[@]}" -Xmx384m "$@" >"$run/$name.log" 2>&1 </dev/null &
	echo $! >"$run/$name.pid"
}

# ready NAME COMMAND...: waits until the command succeeds, while the program runs.
ready() {
	local name=$1
	shift
	for _ in $(seq 1 1200); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
		alive "$run/$name.pid" || { sleep 1; alive "$run/$name.pid" || break; }
	done
	echo "$name was not ready within 120 s" >&2
	tail -20 "$run/$name.log" >&2
	exit 1
}

settings() { # of broker $1
	local n replicas=$brokers isr=$((brokers > 1 ? 2 : 1)) voters=
	for n in $(seq "$brokers"); do voters+=${voters:+,}$n@127.0.0.1:$((port + 3 * n + 1)); done
	cat <<CONF
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$((port + 3 * $1)),CONTROLLER://127.0.0.1:$((port + 3 * $1 + 1)),OAUTH://127.0.0.1:$((port + 3 * $1 + 2))
advertised.listeners=PLAINTEXT://127.0.0.1:$((port + 3 * $1)),OAUTH://127.0.0.1:$((port + 3 * $1 + 2))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OAUTH:SASL_PLAINTEXT
listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.oauth.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$run/broker-$1
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=$isr
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$replicas
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$isr
group.initial.rebalance.delay.ms=0
num.io.threads=2
num.network.threads=2
background.threads=2
log.cleaner.dedupe.buffer.size=8388608
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
CONF
}

worker() { # the settings of Kafka Connect
	replicas=$brokers
	cat <<CONF
bootstrap.servers=$1
group.id=vnfm-connect
listeners=http://127.0.0.1:$port
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
config.storage.topic=_connect.configs
offset.storage.topic=_connect.offsets
status.storage.topic=_connect.status
config.storage.replication.factor=$replicas
offset.storage.replication.factor=$replicas
status.storage.replication.factor=$replicas
offset.storage.partitions=1
status.storage.partitions=1
offset.flush.interval.ms=1000
session.timeout.ms=6000
heartbeat.interval.ms=2000
scheduled.rebalance.max.delay.ms=0
plugin.path=$dir/plugins
plugin.discovery=service_load
exactly.once.source.support=${EXACTLY_ONCE:-disabled}
connector.client.config.override.policy=All
config.providers=file
config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
CONF
}

# fetch POM FOLDER: copies the jars that a pom names; several of these programs may want them at once.
fetch() {
	exec 9>"$dir/fetch.lock" && flock 9
	[ -e "$2/.complete" ] || jars "$@"
	exec 9>&-
}
jars() {
	mvn -q -B -Dstyle.color=never -f "$here/kafkalab/$1/pom.xml" dependency:copy-dependencies -DoutputDirectory="$2" >&2
	: >"$2/.complete"
}

case ${1:-} in
up)
	fetch broker "$dir/jars"
	mkdir -p "$run"
	for n in $(seq "$brokers"); do
		b=$run/broker-$n
		alive "$b.pid" && continue
		if [ ! -e "$b.properties" ]; then
			settings "$n" >"$b.properties"
			java "${options[@]}" -Xmx128m kafka.tools.StorageTool format -t dm5mbS1rYWZrYS1sYWItMQ -c "$b.properties" >"$b.out" 2>&1 || { cat "$b.out" >&2; exit 1; }
		fi
		start "broker-$n" kafka.Kafka "$b.properties"
	done
	at=
	for n in $(seq "$brokers"); do
		ready "broker-$n" grep -q 'Kafka Server started' "$run/broker-$n.log"
		at+=${at:+,}127.0.0.1:$((port + 3 * n))
	done
	echo "$at"
	;;
connect)
	fetch debezium "$dir/plugins/debezium"
	if ! alive "$run/connect.pid"; then
		at=
		for n in $(seq "$brokers"); do at+=${at:+,}127.0.0.1:$((port + 3 * n)); done
		worker "$at" >"$run/connect.properties"
		start connect org.apache.kafka.connect.cli.ConnectDistributed "$run/connect.properties"
	fi
	ready connect curl -fs "http://127.0.0.1:$port/connectors"
	echo "http://127.0.0.1:$port"
	;;
crash)
	kill -9 "$(cat "$run/connect.pid")"
	while alive "$run/connect.pid"; do sleep 0.1; done
	;;
down)
	for pid in "$run"/*.pid; do
		alive "$pid" && kill "$(cat "$pid")"
	done
	for pid in "$run"/*.pid; do
		while alive "$pid"; do sleep 0.1; done
	done
	rm -rf "$run"
	;;
*)
	sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
