/* The lecture's stream server, repaired: stream_server [--until-close] [PORT]
 *
 * docs/errata.md says what was wrong. One recv still gives one answer, as in the lecture;
 * with --until-close the server echoes until the peer closes, as RFC 862 says.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define MAXPUF 1023

/* Port in network byte order, from the argument or from the table of services */
static in_port_t Port(const char *Argument)
  {
  struct servent *Service;
  char *End;
  long Number;

  if (Argument != NULL)
    {
    Number = strtol(Argument, &End, 10);
    if (*Argument == '\0' || *End != '\0' || Number < 1 || Number > 65535)
      {
      fprintf(stderr, "stream_server: %s is not a port: give a number from 1 to 65535\n", Argument);
      exit(2);
      }
    return htons((in_port_t) Number);
    }
  Service = getservbyname("echo", "tcp");  /* bestimme Port */
  if (Service == NULL)
    {
    fputs("stream_server: no echo service in /etc/services: give a port\n", stderr);
    exit(2);
    }
  return (in_port_t) Service->s_port;      /* already in network byte order */
  }

/* Send all of a buffer; one send may take less than it was given */
static int SendAll(int Socket, const char *Puffer, ssize_t MsgLen)
  {
  ssize_t Sent;

  while (MsgLen > 0)
    {
    Sent = send(Socket, Puffer, (size_t) MsgLen, MSG_NOSIGNAL);
    if (Sent < 0)
      return -1;
    Puffer += Sent;
    MsgLen -= Sent;
    }
  return 0;
  }

static void Stop(const char *What)
  {
  fprintf(stderr, "stream_server: %s: %s\n", What, strerror(errno));
  exit(2);
  }

int main(int argc, char *argv[])
  {
  int MySocket, ForeignSocket;
  struct sockaddr_in AdrMySock, AdrPartnerSocket;
  socklen_t AdrLen;
  int UntilClose, On = 1;

  char Puffer[MAXPUF];
  ssize_t MsgLen;

  UntilClose = argc > 1 && strcmp(argv[1], "--until-close") == 0;

  /* Socket einrichten */
  MySocket = socket(AF_INET, SOCK_STREAM, 0);
  if (MySocket < 0)
    Stop("socket");
  if (setsockopt(MySocket, SOL_SOCKET, SO_REUSEADDR, &On, sizeof(On)) < 0)
    Stop("setsockopt");

  /* Socket an Port-Nummer binden */
  memset(&AdrMySock, 0, sizeof(AdrMySock));
  AdrMySock.sin_family = AF_INET;                /* Internet-Protokolle */
  AdrMySock.sin_addr.s_addr = htonl(INADDR_ANY); /* akzept. jeden Client-Host */
  AdrMySock.sin_port = Port(argv[1 + UntilClose]);
  if (bind(MySocket, (struct sockaddr *) &AdrMySock, sizeof(AdrMySock)) < 0)
    Stop("bind");

  /* Empfangsbereitschaft signalisieren und warten */
  if (listen(MySocket, 5) < 0)
    Stop("listen");

  for (;;) /* forever */
    {
    /* Verbindungswunsch vom Client annehmen */
    AdrLen = sizeof(AdrPartnerSocket);
    ForeignSocket = accept(MySocket, (struct sockaddr *) &AdrPartnerSocket, &AdrLen);
    if (ForeignSocket < 0)
      {
      if (errno == ECONNABORTED || errno == EINTR)
        continue;
      Stop("accept");
      }
    /* Datenaustausch zwischen Server und Client */
    do
      {
      MsgLen = recv(ForeignSocket, Puffer, MAXPUF, 0); /* String empfangen */
      if (MsgLen < 0)
        perror("stream_server: recv");
      else if (SendAll(ForeignSocket, Puffer, MsgLen) < 0) /* und zuruecksenden */
        {
        perror("stream_server: send");
        break;
        }
      }
    while (UntilClose && MsgLen > 0);
    /* Verbindung beenden und wieder auf Client warten */
    close(ForeignSocket);
    }
  }
