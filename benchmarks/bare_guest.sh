#!/bin/sh
# Init of a guest without echolab: two hosts, a lossy link each way, and the exchanges of
# the scenario `loss`, by the tools that anybody would take. Its arguments: the interpreter,
# the folder of echo_app, the number of messages, the seconds between two of them.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH="$2" PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir /run/netns
ip netns add client
ip netns add server
ip link add eth0 netns client type veth peer name eth0 netns server
ip -n client -batch - <<END
addr add 10.0.0.1/24 dev eth0
link set lo up
link set eth0 up
END
ip -n server -batch - <<END
addr add 10.0.0.2/24 dev eth0
link set lo up
link set eth0 up
END
ip netns exec server "$1" -S -m echo_app.server &
sleep 0.5
for host in client server; do
    ip netns exec "$host" tc qdisc replace dev eth0 root netem delay 10ms loss 10%
done
for protocol in udp tcp; do
    ip netns exec client "$1" -S -m echo_app.probe 10.0.0.2 --protocol "$protocol" \
        --count "$3" --interval "$4" --size 64 --timeout 1.0 --linger 3600 >/run/exchanges
    grep -c '"event": "exchange"' /run/exchanges
done
