#!/bin/bash
# kafka-lab.sh up|down [DIR]: a real Apache Kafka (KRaft) on loopback for tests (deploy/kafkalab). Needs Java 17 and Maven.
#
# up     starts BROKERS brokers (1, or 3; the first time it fetches 80 MB of jars), waits until they are ready, prints host:port of each
# down   stops them, and removes what they kept
#
# DIR is bin/kafkalab by default, PORT the first port (19710; three for each broker).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${2:-$here/../bin/kafkalab}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
run=$dir/run
brokers=${BROKERS:-1}
port=${PORT:-19710}

# a process that has ended may still answer kill -0: its command line is empty
alive() { [ -f "$1" ] && grep -qz kafka.Kafka "/proc/$(cat "$1")/cmdline" 2>/dev/null; }

# java of this start-up is for tests: one collector thread and the first compiler alone halve what it costs.
java() { command java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$here/kafkalab/log4j2.yaml" -cp "$dir/jars/*" "$@"; }

settings() { # of broker $1
	replicas=$brokers isr=$((brokers > 1 ? 2 : 1)) voters=
	for n in $(seq "$brokers"); do voters+=${voters:+,}$n@127.0.0.1:$((port + 3 * n + 1)); done
	cat <<CONF
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$((port + 3 * $1)),CONTROLLER://127.0.0.1:$((port + 3 * $1 + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$((port + 3 * $1))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
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

case ${1:-} in
up)
	ls "$dir"/jars/kafka_2.13-*.jar >/dev/null 2>&1 ||
		mvn -q -B -Dstyle.color=never -f "$here/kafkalab/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/jars" >&2
	mkdir -p "$run"
	for n in $(seq "$brokers"); do
		b=$run/broker-$n
		alive "$b.pid" && continue
		if [ ! -e "$b.properties" ]; then
			settings "$n" >"$b.properties"
			java -Xmx128m kafka.tools.StorageTool format -t dm5mbS1rYWZrYS1sYWItMQ -c "$b.properties" >"$b.out" 2>&1 || { cat "$b.out" >&2; exit 1; }
		fi
		setsid nohup java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$here/kafkalab/log4j2.yaml" -cp "$dir/jars/*" -Xmx384m kafka.Kafka "$b.properties" >"$b.log" 2>&1 </dev/null &
		echo $! >"$b.pid"
	done
	at=
	for n in $(seq "$brokers"); do
		b=$run/broker-$n
		for _ in $(seq 1 1200); do
			grep -q 'Kafka Server started' "$b.log" && break
			sleep 0.1
			alive "$b.pid" || { sleep 1; alive "$b.pid" || { tail -20 "$b.log" >&2; exit 1; }; }
		done
		grep -q 'Kafka Server started' "$b.log" || { echo "broker $n was not ready within 120 s" >&2; tail -20 "$b.log" >&2; exit 1; }
		at+=${at:+,}127.0.0.1:$((port + 3 * n))
	done
	echo "$at"
	;;
down)
	for pid in "$run"/broker-*.pid; do
		alive "$pid" && kill "$(cat "$pid")"
	done
	for pid in "$run"/broker-*.pid; do
		while alive "$pid"; do sleep 0.1; done
	done
	rm -rf "$run"
	;;
*)
	sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
