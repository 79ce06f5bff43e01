package main

import (
	"fmt"
	"net"
	"os"
)

// echo: one byte over TCP on loopback, there and back.
func init() {
	rows["echo"] = func(o options) []line {
		client, server, err := connectBoth()
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: echo:", err)
			os.Exit(1)
		}
		go func() {
			b := make([]byte, 1)
			for {
				if n, err := server.Read(b); n != 1 || err != nil {
					return
				}
				if _, err := server.Write(b); err != nil {
					return
				}
			}
		}()
		b := []byte{'x'}
		all := repeat(o, func(n int64) {
			for i := int64(0); i < n; i++ {
				if _, err := client.Write(b); err != nil {
					panic(err)
				}
				if _, err := client.Read(b); err != nil {
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
