// main HOST PORT: send the sentence in 1023 bytes, print what comes back.
#include <array>
#include <cstring>
#include <iostream>
#include <string>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

constexpr std::size_t maxpuf = 1023;

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "usage: main HOST PORT\n";
        return 2;
    }
    std::array<char, maxpuf> buffer{};
    const std::string sentence = "Wir erschrecken zu guten Zwecken!";
    std::memcpy(buffer.data(), sentence.data(), sentence.size());

    addrinfo wanted{}, *found = nullptr;
    wanted.ai_family = AF_INET;
    wanted.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(argv[1], argv[2], &wanted, &found) != 0) {
        std::cerr << "main: no such host\n";
        return 1;
    }
    const int my_socket = socket(AF_INET, SOCK_STREAM, 0);
    // connect to found->ai_addr, send the buffer, receive the whole reply, print its text
    close(my_socket);
    freeaddrinfo(found);
    return 1;
}
