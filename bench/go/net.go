package main

import (
	"fmt"
	"net"
	"os"
)

// room: who reads from a socket has room for more than comes.
const room = 512

// echo: one byte over TCP on loopback, there and back.
func init() {
	rows["echo"] = func(o options) []line {
		client, server, err := connectBoth()
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: echo:", err)
			os.Exit(1)
		}
		go func() {
			b := make([]byte, room)
			for {
				if n, err := server.Read(b); n != 1 || err != nil {
					return
				}
				if _, err := server.Write(b[:1]); err != nil {
					return
				}
			}
		}()
		b := make([]byte, room)
		b[0] = 'x'
		all := repeat(o, func(n int64) {
			for i := int64(0); i < n; i++ {
				if _, err := client.Write(b[:1]); err != nil {
					panic(err)
				}
				if n, err := client.Read(b); n != 1 || err != nil {
					panic(err)
				}
			}
		})
		client.Close()
		return []line{open(o, "echo", all)}
	}
}

func connectBoth() (client, server net.Conn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		return
	}
	server, err = listener.Accept()
	return
}
