/* main NAME PORT PEER PEER: a node that gives out numbers which no other node gives out.
 *
 * A number is this node's place among the names, how often it was started, and how often it was
 * asked since then. Only the second must be known after a loss of power.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STARTS 20 /* bits of a number that count, one above the other: starts ... */
#define COUNT 30  /* ... and, below them, numbers */

/* How often this node has been started, now too; on the disk before any number is used. */
static long long starts(void)
{
    long long Count = 0;
    FILE *File = fopen("starts.txt", "r");

    if (File != NULL) {
        if (fscanf(File, "%lld", &Count) != 1)
            exit(1);
        fclose(File);
    }
    File = fopen("starts.new", "w");
    if (File == NULL || fprintf(File, "%lld", ++Count) < 0 || fflush(File) != 0
        || fsync(fileno(File)) < 0)
        exit(1);
    fclose(File);
    if (rename("starts.new", "starts.txt") < 0)
        exit(1);
    return Count;
}

int main(int argc, char **argv)
{
    struct sockaddr_in MyAdr, Client;
    char Request[1024], Id[32], Word[8], Answer[64];
    long long Place = 0, Number;
    int Node;

    if (argc < 3)
        return 2;
    for (int i = 3; i < argc; i++)
        Place += strcmp(argv[i], argv[1]) < 0;
    Number = (Place << STARTS | starts()) << COUNT;
    memset(&MyAdr, 0, sizeof(MyAdr));
    MyAdr.sin_family = AF_INET;
    MyAdr.sin_port = htons((unsigned short)atoi(argv[2]));
    Node = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(Node, (struct sockaddr *)&MyAdr, sizeof(MyAdr)) < 0)
        return 1;
    for (;;) {
        socklen_t Size = sizeof(Client);
        ssize_t Len = recvfrom(Node, Request, sizeof(Request) - 1, 0,
                               (struct sockaddr *)&Client, &Size);

        if (Len < 0)
            continue;
        Request[Len] = 0;
        if (sscanf(Request, "%31s %7s", Id, Word) != 2 || strcmp(Word, "next") != 0)
            continue;
        Len = snprintf(Answer, sizeof(Answer), "%s %lld\n", Id, ++Number);
        sendto(Node, Answer, Len, 0, (struct sockaddr *)&Client, Size);
    }
}
