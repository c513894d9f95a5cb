// main HOST PORT COUNT: ask COUNT times, by datagrams, until the answer comes.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

const sentence = "Wir erschrecken zu guten Zwecken!"

func ask(mySocket *net.UDPConn, server *net.UDPAddr, number int) bool {
	mySocket.WriteToUDP([]byte(fmt.Sprintf("%d %s", number, sentence)), server)
	// wait half a second for the same datagram from the server, ask up to four times
	return false
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: main HOST PORT COUNT")
		os.Exit(2)
	}
	server, err := net.ResolveUDPAddr("udp4", net.JoinHostPort(os.Args[1], os.Args[2]))
	if err != nil {
		fmt.Fprintln(os.Stderr, "main:", err)
		os.Exit(1)
	}
	mySocket, err := net.ListenUDP("udp4", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, "main:", err)
		os.Exit(1)
	}
	count, _ := strconv.Atoi(os.Args[3])
	for number := 1; number <= count; number++ {
		if ask(mySocket, server, number) {
			fmt.Println(number, "answered")
		} else {
			fmt.Println(number, "lost")
		}
	}
}
