/* A client that never sets sin_family: connect succeeds, and nothing is connected. */
/*
 * broken: Adr.sin_port = htons(Port);
 *
 * fixed: Adr.sin_family = AF_INET;
 * fixed: Adr.sin_port = htons(Port);
 */
#include <arpa/inet.h>

#include "museum.h"

int main(int argc, char **argv)
{
    char Puffer[MAXPUF] = "Wir erschrecken zu guten Zwecken!";
    struct sockaddr_in Adr = {0};

    read_arguments(argc, argv);
    if (Fixed)
        Adr.sin_family = AF_INET;
    Adr.sin_port = htons(Port);
    Adr.sin_addr.s_addr = inet_addr("10.7.0.1"); /* the first host of a lab */
    int Socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(Socket, (struct sockaddr *)&Adr, sizeof(Adr)) < 0) {
        perror("museum: connect");
        return 1;
    }
    if (send(Socket, Puffer, MAXPUF, MSG_NOSIGNAL) < 0) {
        perror("museum: send");
        return 1;
    }
    return 0;
}
