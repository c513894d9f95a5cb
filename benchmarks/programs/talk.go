// Goroutines that talk to a server, and print whatever chance and time have told them.
package main

import (
	"bufio"
	crand "crypto/rand"
	"fmt"
	"math/rand"
	"net"
	"os"
	"sync"
	"time"
)

func answer(peer net.Conn) {
	defer peer.Close()
	lines := bufio.NewScanner(peer)
	for lines.Scan() {
		time.Sleep(time.Duration(rand.Intn(5000)) * time.Microsecond)
		fmt.Fprintf(peer, "%d %d\n", time.Now().UnixNano(), rand.Int63())
	}
}

func serve() {
	rand.Seed(time.Now().UnixNano())
	listener, err := net.Listen("tcp", ":7000")
	if err != nil {
		panic(err)
	}
	for {
		peer, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go answer(peer)
	}
}

func ask(host string) {
	var all sync.WaitGroup
	answers := make(chan string, 64)
	for worker := 0; worker < 4; worker++ {
		all.Add(1)
		go func(worker int) {
			defer all.Done()
			peer, err := net.Dial("tcp", host+":7000")
			if err != nil {
				panic(err)
			}
			lines := bufio.NewReader(peer)
			for number := 0; number < 8; number++ {
				var bytes [8]byte
				crand.Read(bytes[:])
				fmt.Fprintf(peer, "%x\n", bytes)
				line, _ := lines.ReadString('\n')
				answers <- fmt.Sprint(worker, number, time.Now().UnixNano(), line)
			}
		}(worker)
	}
	go func() { all.Wait(); close(answers) }()
	order := map[string]int{}
	for one := range answers {
		order[one] = len(order)
	}
	for one, place := range order { // a map's order is drawn by chance
		fmt.Print(place, " ", one)
	}
	fmt.Printf("%p\n", &order)
}

func main() {
	if os.Args[1] == "serve" {
		serve()
	}
	ask(os.Args[2])
}
