/* main HOST PORT: send standard input line by line, print the answer as text. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct addrinfo Hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *Found;
    char Line[500];
    ssize_t Len;
    int Socket;

    if (argc != 3 || getaddrinfo(argv[1], argv[2], &Hints, &Found) != 0)
        return 1;
    Socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(Socket, Found->ai_addr, Found->ai_addrlen) < 0)
        return 1;
    while (fgets(Line, sizeof(Line), stdin))
        if (send(Socket, Line, strlen(Line), MSG_NOSIGNAL) < 0)
            return 1;
    shutdown(Socket, SHUT_WR);
    while ((Len = recv(Socket, Line, sizeof(Line) - 1, 0)) > 0) {
        Line[Len] = 0;
        printf("%s", Line);
    }
    return Len < 0;
}
