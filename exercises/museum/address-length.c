/* AdrLen is not set before accept, so it is whatever the stack held: here a negative number. */
/*
 * broken: AdrLen = (socklen_t)-1;
 * broken: accept(Socket, &Partner, &AdrLen);
 *
 * fixed: AdrLen = sizeof(Partner);
 * fixed: accept(Socket, &Partner, &AdrLen);
 */
#include "museum.h"

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    int Socket = listen_on(Port);

    for (;;) {
        struct sockaddr_in Partner;
        socklen_t AdrLen = Fixed ? sizeof(Partner) : (socklen_t)-1;
        int Client = accept(Socket, (struct sockaddr *)&Partner, &AdrLen);
        pthread_t Thread;

        if (Client < 0) {
            perror("museum: accept");
            return 1;
        }
        pthread_create(&Thread, NULL, echo, (void *)(intptr_t)Client);
        pthread_detach(Thread);
    }
}
