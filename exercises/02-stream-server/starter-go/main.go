// main PORT: send everything back to one client after the other.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: main PORT")
		os.Exit(2)
	}
	listener, err := net.Listen("tcp4", ":"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "main:", err)
		os.Exit(1)
	}
	for {
		foreignSocket, err := listener.Accept()
		if err != nil {
			continue
		}
		// receive and send back until the client has finished
		foreignSocket.Close()
	}
}
