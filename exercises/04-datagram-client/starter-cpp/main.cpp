// main HOST PORT COUNT: ask COUNT times, by datagrams, until the answer comes.
#include <iostream>
#include <string>

#include <netdb.h>
#include <sys/socket.h>

static bool ask(int my_socket, const addrinfo &server, int number)
{
    const std::string request = std::to_string(number) + " Wir erschrecken zu guten Zwecken!";
    sendto(my_socket, request.data(), request.size(), 0, server.ai_addr, server.ai_addrlen);
    // wait half a second for the same datagram from the server, ask up to four times
    return false;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::cerr << "usage: main HOST PORT COUNT\n";
        return 2;
    }
    addrinfo wanted{}, *found = nullptr;
    wanted.ai_family = AF_INET;
    wanted.ai_socktype = SOCK_DGRAM;
    if (getaddrinfo(argv[1], argv[2], &wanted, &found) != 0) {
        std::cerr << "main: no such host\n";
        return 1;
    }
    const int my_socket = socket(AF_INET, SOCK_DGRAM, 0);
    for (int number = 1; number <= std::stoi(argv[3]); number++)
        std::cout << number << (ask(my_socket, *found, number) ? " answered\n" : " lost\n");
    freeaddrinfo(found);
    return 0;
}
