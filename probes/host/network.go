package host

import (
	"errors"
	"strings"
	"time"

	"llmops/probes/snapshot"
)

// interfacesOf reads /proc/net/dev: two lines of heading, then
// "name: " and eight columns of receiving, eight of sending.
func interfacesOf(text string) ([]snapshot.Interface, error) {
	var list []snapshot.Interface
	found := false
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if !ok || len(f) < 16 {
			continue
		}
		found = true
		list = append(list, snapshot.Interface{
			Device:  strings.TrimSpace(name),
			InBytes: parseUint(f[0]), InPackets: parseUint(f[1]), InErrors: parseUint(f[2]), InDrops: parseUint(f[3]),
			OutBytes: parseUint(f[8]), OutPackets: parseUint(f[9]), OutErrors: parseUint(f[10]), OutDrops: parseUint(f[11]),
		})
	}
	if !found {
		return nil, errors.New("/proc/net/dev: no interface")
	}
	return list, nil
}

// links keeps the interfaces that carry this host's traffic and adds what sysfs
// knows of them. Left out: loopback, the host's ends of containers' links
// (their traffic passes another interface as well), and virtual interfaces
// that never carried a packet.
func links(t tree, list []snapshot.Interface) []snapshot.Interface {
	var kept []snapshot.Interface
	for _, i := range list {
		if i.Device == "lo" || strings.HasPrefix(i.Device, "veth") || strings.HasPrefix(i.Device, "cali") {
			continue
		}
		dir := "/sys/class/net/" + i.Device
		physical := t.exists(dir + "/device")
		if !physical && zero(i.InPackets) && zero(i.OutPackets) {
			continue
		}
		switch t.word(dir + "/operstate") {
		case "up":
			i.Up = new(true)
		case "down", "lowerlayerdown", "notpresent":
			i.Up = new(false)
		}
		// Reading a speed takes a lock that all interfaces share, so only those
		// that have one are asked; one without a link says -1.
		if physical {
			if mbit := t.number(dir + "/speed"); mbit != nil && *mbit > 0 && *mbit < 1<<31 {
				i.SpeedBits = new(*mbit * 1e6)
			}
		}
		kept = append(kept, i)
	}
	return kept
}

func zero(n *uint64) bool { return n == nil || *n == 0 }

// interfaceRates fills the rates of now from two readings that are d apart.
func interfaceRates(now, before *snapshot.Interface, d time.Duration) {
	now.InBytesPerS = perSecond(now.InBytes, before.InBytes, d)
	now.OutBytesPerS = perSecond(now.OutBytes, before.OutBytes, d)
	var lost, all uint64
	for _, c := range []struct {
		now, before *uint64
		lost        bool
	}{
		{now.InPackets, before.InPackets, false}, {now.OutPackets, before.OutPackets, false},
		{now.InErrors, before.InErrors, true}, {now.OutErrors, before.OutErrors, true},
		{now.InDrops, before.InDrops, true}, {now.OutDrops, before.OutDrops, true},
	} {
		n, ok := grown(c.now, c.before)
		if !ok {
			all, lost = 0, 0
			break
		}
		all += n
		if c.lost {
			lost += n
		}
	}
	if all > 0 {
		now.PacketLossRate = new(float64(lost) / float64(all))
	}
	if in, out := now.InBytesPerS, now.OutBytesPerS; in != nil && out != nil && now.SpeedBits != nil {
		now.Utilization = new(min(max(*in, *out)*8/float64(*now.SpeedBits), 1))
	}
}

// tcpOf joins what the kernel says of TCP in snmp (the standard counters),
// netstat (Linux's own) and sockstat (how many sockets there are). The last
// says IPv6 apart; a text that could not be read is empty.
func tcpOf(snmp, netstat, sockstat, sockstat6 string, pageSize uint64) *snapshot.TCP {
	std, own := parsePairs(snmp, "Tcp"), parsePairs(netstat, "TcpExt")
	sock, sock6 := parseSockets(sockstat, "TCP"), parseSockets(sockstat6, "TCP6")
	c := &snapshot.TCP{
		Established: std.get("CurrEstab"), SentSegments: std.get("OutSegs"), Retransmitted: std.get("RetransSegs"),
		Resets: std.get("EstabResets"), FailedConnects: std.get("AttemptFails"),
		ListenOverflow: own.get("ListenOverflows"), ListenDrops: own.get("ListenDrops"),
		InUse: sock.get("inuse"), TimeWait: sock.get("tw"), Orphan: sock.get("orphan"),
		MemoryBytes: pages(sock.get("mem"), pageSize),
	}
	if v6 := sock6.get("inuse"); v6 != nil && c.InUse != nil {
		c.InUse = new(*c.InUse + *v6)
	}
	if *c == (snapshot.TCP{}) {
		return nil
	}
	return c
}

// parsePairs reads the two lines of one protocol in /proc/net/snmp and
// netstat: the names, then the values, each after "Protocol:".
func parsePairs(text, protocol string) table {
	var names []string
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, protocol+":")
		if !ok {
			continue
		}
		if names == nil {
			names = strings.Fields(rest)
			continue
		}
		t := table{}
		for i, v := range strings.Fields(rest) {
			if n := parseUint(v); n != nil && i < len(names) {
				t[names[i]] = *n
			}
		}
		return t
	}
	return nil
}

// parseSockets reads the line "PROTOCOL: name value name value …".
func parseSockets(text, protocol string) table {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, protocol+":")
		if !ok {
			continue
		}
		t, f := table{}, strings.Fields(rest)
		for i := 0; i+1 < len(f); i += 2 {
			if n := parseUint(f[i+1]); n != nil {
				t[f[i]] = *n
			}
		}
		return t
	}
	return nil
}
