// Reads from a server until it has sent all, and prints how many bytes came.
// It gives up when the server is silent for three seconds.
//
// client wrong|right ADDRESS
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

const patience = 3 * time.Second

func main() {
	connection, err := net.DialTimeout("tcp", os.Args[2], patience)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	connection.SetReadDeadline(time.Now().Add(patience))
	buffer, got := make([]byte, 4096), 0
	for {
		if os.Args[1] == "right" {
			connection.SetReadDeadline(time.Now().Add(patience))
		}
		count, err := connection.Read(buffer)
		got += count
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println("the server is silent")
			os.Exit(1)
		}
	}
	fmt.Println(got)
}
