#!/usr/bin/env python3
"""Opens many streams whose tokens come at one pace, with phases spread evenly over it, reads them
until they end, and prints one line of JSON. Nothing is parsed: ends of events are counted.

usage: paced.py PORT STREAMS TOKENS SPREAD_MS
"""
import gc
import json
import resource
import select
import socket
import sys
import time

FRAMING_EVENTS = 2  # the role and [DONE]
LIMIT_S = 60        # nothing has come for so long: the server is stuck


def request(tokens):
    body = json.dumps({
        "model": "sim-model", "messages": [{"role": "user", "content": "How does a mill work?"}],
        "max_tokens": tokens, "ignore_eos": True, "stream": True,
    }).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: sim\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


class Streams:
    def __init__(self, port, count):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.poll = select.epoll()
        self.sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        self.by_fd = {each.fileno(): each for each in self.sockets}
        size = max(self.by_fd) + 1
        self.events = [0] * size
        self.last = [0] * size  # the last byte that came: an end of event may be cut in two
        self.whole = 0
        self.broken = 0
        self.buffer = bytearray(65536)
        for each in self.sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.poll.register(each.fileno(), select.EPOLLIN)

    def read(self, timeout):
        ready = self.poll.poll(timeout)
        for fd, _ in ready:
            size = self.by_fd[fd].recv_into(self.buffer)
            data = self.buffer[:size]
            if size == 0:
                self.broken += 1
                self.poll.unregister(fd)
                continue
            self.events[fd] += data.count(b"\n\n") + (data[0] == self.last[fd] == 10)
            self.last[fd] = data[-1]
            if b"[DONE]" in data:
                self.poll.unregister(fd)
                self.whole += 1
        return len(ready)

    def run(self, text, spread):
        """Sends the requests evenly over `spread` seconds; returns how long that took."""
        count, at, start = len(self.sockets), 0, time.monotonic()
        while at < count:
            due = int((time.monotonic() - start) / spread * count) + 1
            for each in self.sockets[at:due]:
                each.sendall(text)
            at = max(at, due)
            self.read(0.0005)
        opened = time.monotonic() - start
        while self.whole + self.broken < count:
            if not self.read(LIMIT_S):
                break
        return opened


def main():
    port, count, tokens, spread_ms = (int(argument) for argument in sys.argv[1:5])
    streams = Streams(port, count)
    gc.disable()
    before, start = time.process_time(), time.monotonic()
    opened = streams.run(request(tokens), spread_ms / 1000)
    wall = time.monotonic() - start
    print(json.dumps({
        "whole": streams.whole, "events": sum(streams.events),
        "expected": count * (tokens + FRAMING_EVENTS), "opened_s": round(opened, 3),
        "wall_s": round(wall, 3), "cpu_share": round((time.process_time() - before) / wall, 3),
    }))


if __name__ == "__main__":
    main()
