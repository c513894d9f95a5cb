// main HOST PORT: send the sentence in 1023 bytes, print what comes back.
const net = require('net');

const MAXPUF = 1023;
const message = Buffer.alloc(MAXPUF);
message.write('Wir erschrecken zu guten Zwecken!');
let reply = Buffer.alloc(0);

function fail(why) {
  console.error(`main: ${why}`);
  process.exit(1);
}

const [host, port] = process.argv.slice(2);
const socket = net.connect(Number(port), host, () => socket.write(message));
socket.on('data', (piece) => {
  reply = Buffer.concat([reply, piece]);
  if (reply.length >= MAXPUF) {
    const zero = reply.indexOf(0);
    console.log(reply.subarray(0, zero < 0 ? MAXPUF : zero).toString());
    process.exit(0);
  }
});
socket.on('error', (error) => fail(error.message));
socket.on('end', () => fail(`the server closed after ${reply.length} bytes`));
