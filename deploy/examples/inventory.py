#!/usr/bin/env python3
"""Rebuilds the inventory of VNFs from the topic vnf.events alone, and prints it as JSON.

    pip install 'kafka-python[lz4]'
    ./inventory.py 127.0.0.1:9092 [PREFIX]

Every record is a CloudEvent (binary mode): the key is the VNF's id, the headers say what happened (ce_type) to what
(ce_subject, the stream), the value is the event's data. The events of a VNF come in order, because they are in one
partition; one that comes twice has the same ce_sequence again and is dropped.
"""
import json
import sys

from kafka import KafkaConsumer, TopicPartition


def apply(vnfs, key, kind, data):
    """What an event means for the inventory; others mean nothing for it."""
    v = vnfs.setdefault(key, {})
    if kind == "vnf.instance-created":
        v.update(id=data["id"], name=data.get("name", ""), vnfdId=data["vnfdId"], state="NOT_INSTANTIATED", vnfcs=set())
    elif kind == "vnf.instantiated":
        v.update(state="INSTANTIATED", vnfcs={c["id"] for c in data["instantiatedInfo"]["vnfcs"]})
    elif kind == "vnf.terminated":
        v.update(state="NOT_INSTANTIATED", vnfcs=set())
    elif kind == "vnf.modified":
        v["name"] = data.get("vnfInstanceName", v["name"])
    elif kind == "vnf.scaled":
        v["vnfcs"] |= {c["id"] for c in data["added"].get("vnfcs") or []}
    elif kind == "vnf.instance-deleted":
        del vnfs[key]
    if "vnfcs" in v:  # whatever released resources: a VNFC has the id of its compute
        v["vnfcs"] -= set(data.get("released") or [])


def main(brokers, prefix=""):
    reader = KafkaConsumer(bootstrap_servers=brokers.split(","), enable_auto_commit=False)
    parts = [TopicPartition(prefix + "vnf.events", p) for p in sorted(reader.partitions_for_topic(prefix + "vnf.events"))]
    reader.assign(parts)
    reader.seek_to_beginning()
    ends, vnfs, seen = reader.end_offsets(parts), {}, {}
    while any(reader.position(p) < ends[p] for p in parts):
        for part, records in reader.poll(timeout_ms=1000).items():
            for r in records:
                h = {k: (v or b"").decode() for k, v in r.headers}
                if int(h["ce_sequence"]) > seen.get(part, 0):
                    seen[part] = int(h["ce_sequence"])
                    apply(vnfs, r.key.decode(), h["ce_type"], json.loads(r.value))
    shown = [v | {"vnfcs": len(v["vnfcs"])} for v in vnfs.values() if v]
    print(json.dumps(sorted(shown, key=lambda v: v["id"]), indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
