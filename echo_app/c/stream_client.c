/* The lecture's stream client, repaired: stream_client [HOST [PORT]]
 *
 * docs/errata.md says what was wrong.
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
  struct servent *Service;   /* Dienst auf dem fernen Rechner */
  char *End;
  long Number;

  if (Argument != NULL)
    {
    Number = strtol(Argument, &End, 10);
    if (*Argument == '\0' || *End != '\0' || Number < 1 || Number > 65535)
      {
      fprintf(stderr, "stream_client: %s is not a port: give a number from 1 to 65535\n", Argument);
      exit(2);
      }
    return htons((in_port_t) Number);
    }
  Service = getservbyname("echo", "tcp");
  if (Service == NULL)
    {
    fputs("stream_client: no echo service in /etc/services: give a port\n", stderr);
    exit(1);
    }
  return (in_port_t) Service->s_port;      /* already in network byte order */
  }

static void Stop(const char *What)
  {
  fprintf(stderr, "stream_client: %s: %s\n", What, strerror(errno));
  exit(1);
  }

int main(int argc, char *argv[])
  {
  int MySocket;               /* Socket-Handle */
  struct sockaddr_in AdrSock; /* Socketstruktur */
  ssize_t Done;               /* was ein Aufruf geschafft hat */
  size_t len;                 /* was alle zusammen geschafft haben */

  struct hostent *RechnerID;  /* ferner Rechner */
  const char *Name = argc > 1 ? argv[1] : "server";

  char Puffer[MAXPUF + 1] = "Wir erschrecken zu guten Zwecken!"; /* room for a NUL */

  MySocket = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (MySocket < 0)
    Stop("socket");
  memset(&AdrSock, 0, sizeof(AdrSock));
  AdrSock.sin_family = AF_INET;

  /* Bestimme den Zielrechner */
  RechnerID = gethostbyname(Name);
  if (RechnerID == NULL || RechnerID->h_addrtype != AF_INET)
    {
    fprintf(stderr, "stream_client: host %s is unknown: check the name\n", Name);
    exit(1);
    }
  memcpy(&AdrSock.sin_addr.s_addr, RechnerID->h_addr_list[0], sizeof(AdrSock.sin_addr.s_addr));

  /* Bestimme den Port */
  AdrSock.sin_port = Port(argc > 2 ? argv[2] : NULL);

  if (connect(MySocket, (struct sockaddr *) &AdrSock, sizeof(AdrSock)) < 0)
    Stop("connect");
  for (len = 0; len < MAXPUF; len += (size_t) Done)  /* String senden */
    {
    Done = send(MySocket, Puffer + len, MAXPUF - len, MSG_NOSIGNAL);
    if (Done < 0)
      Stop("send");
    }
  for (len = 0; len < MAXPUF; len += (size_t) Done)  /* und wieder empfangen */
    {
    Done = recv(MySocket, Puffer + len, MAXPUF - len, 0);
    if (Done < 0)
      Stop("recv");
    if (Done == 0)
      {
      fprintf(stderr, "stream_client: %s closed after %zu of %d bytes\n", Name, len, MAXPUF);
      exit(1);
      }
    }
  Puffer[len] = '\0';
  printf("%s\n", Puffer);             /* ausgeben */
  close(MySocket);
  return 0;
  }
