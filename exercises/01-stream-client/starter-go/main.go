// main HOST PORT: send the sentence in 1023 bytes, print what comes back.
package main

import (
	"fmt"
	"net"
	"os"
)

const maxpuf = 1023

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: main HOST PORT")
		os.Exit(2)
	}
	buffer := make([]byte, maxpuf)
	copy(buffer, "Wir erschrecken zu guten Zwecken!")
	mySocket, err := net.Dial("tcp4", net.JoinHostPort(os.Args[1], os.Args[2]))
	if err != nil {
		fmt.Fprintln(os.Stderr, "main:", err)
		os.Exit(1)
	}
	defer mySocket.Close()
	// send the buffer, receive the whole reply, print its text
	os.Exit(1)
}
