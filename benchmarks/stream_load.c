/* One client that connects, sends 1023 bytes, receives them, closes, again and again:
 * stream_load PORT SECONDS; prints exchanges a second.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE 1023

static double Now(void)
  {
  struct timespec Time;

  clock_gettime(CLOCK_MONOTONIC, &Time);
  return (double) Time.tv_sec + (double) Time.tv_nsec / 1e9;
  }

static void Exchange(const struct sockaddr_in *Address)
  {
  char Buffer[SIZE];
  size_t Got = 0;
  ssize_t Piece;
  int Socket = socket(AF_INET, SOCK_STREAM, 0);

  memset(Buffer, 'x', SIZE);
  if (Socket < 0 || connect(Socket, (const struct sockaddr *) Address, sizeof *Address) < 0 ||
      send(Socket, Buffer, SIZE, MSG_NOSIGNAL) != SIZE)
    {
    perror("stream_load");
    exit(1);
    }
  for (; Got < SIZE; Got += (size_t) Piece)
    {
    Piece = recv(Socket, Buffer + Got, SIZE - Got, 0);
    if (Piece <= 0)
      {
      fputs("stream_load: the reply is not whole\n", stderr);
      exit(1);
      }
    }
  close(Socket);
  }

int main(int argc, char *argv[])
  {
  struct sockaddr_in Address;
  double Begin, Seconds;
  long Count = 0;

  if (argc != 3)
    {
    fputs("usage: stream_load PORT SECONDS\n", stderr);
    return 2;
    }
  memset(&Address, 0, sizeof Address);
  Address.sin_family = AF_INET;
  Address.sin_port = htons((in_port_t) atoi(argv[1]));
  Address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Seconds = atof(argv[2]);
  for (Begin = Now(); Now() - Begin < Seconds; Count++)
    Exchange(&Address);
  printf("%.1f\n", (double) Count / (Now() - Begin));
  return 0;
  }
