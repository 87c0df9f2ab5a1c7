#!/usr/bin/python3
"""How many frames `verdictctl tap` takes from a file in a second of CPU time, by format. A fifth of them are denials; the
others have a CNAME and two addresses."""
import os
import resource
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("srcdir", "."), "tests", "unit"))
import dnstap_bytes as d  # noqa: E402

COMMAND = os.environ.get("VERDICTCTL", os.path.join(os.environ.get("builddir", "."), "verdictctl"))
FRAMES, COPIES = 5000, 40


def frame(number):
    if number % 5 == 0:
        extra = d.extra("nxdomain", list="malware", rule="*.evil.example", trigger="QNAME", serial=17, category="malware",
                        attack=["T1071.004"], ede=15, incident="3f2a9c1b7d40.1.17")
        return d.frame(query=d.dns("www.evil.example", response=False), response=d.dns("www.evil.example", rcode=3),
                       policy=d.policy(), extra={**extra, "seq": number})
    answers = [d.record("www.example.com", 5, d.name("cdn.example.net")),
               d.record("cdn.example.net", 1, b"\xc0\0\2\1", 60), d.record("cdn.example.net", 1, b"\xc0\0\2\2", 60)]
    return d.frame(query=d.dns("www.example.com", response=False), response=d.dns("www.example.com", answers=answers),
                   policy=d.policy("none", None, 3, None, None), extra={**d.extra("allow"), "seq": number})


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    with tempfile.NamedTemporaryFile() as file:
        file.write(d.control(d.START))
        for _ in range(COPIES):
            file.write(b"".join(d.data(frame(number)) for number in range(FRAMES)))
        file.write(d.control(d.STOP, None))
        file.flush()
        for name in "line", "native", "ecs", "ocsf", "flat", "cof":
            begin = cpu_seconds()
            subprocess.run([COMMAND, "tap", "--format", name, file.name], check=True, stdout=subprocess.DEVNULL)
            rate = FRAMES * COPIES / (cpu_seconds() - begin)
            print("bench tap_%s_frames_per_s %d 1/s" % (name, rate), flush=True)
            if name == "native":
                print("bench tap_frames_per_s %d 1/s" % rate, flush=True)


if __name__ == "__main__":
    main()
