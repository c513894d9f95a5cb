// Tasks and a thread that talk to a server, and print whatever chance and time have told them.
const crypto = require('node:crypto');
const net = require('node:net');
const readline = require('node:readline');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function serve() {
  net.createServer((peer) => {
    peer.on('error', () => {});
    readline.createInterface({ input: peer }).on('line', async () => {
      await sleep(Math.random() * 5);
      peer.write(`${process.hrtime.bigint()} ${Math.random()}\n`);
    });
  }).listen(7000, '0.0.0.0');
}

async function ask(host, worker, tell) {
  const peer = net.connect(7000, host);
  const lines = readline.createInterface({ input: peer })[Symbol.asyncIterator]();
  for (let number = 0; number < 8; number++) {
    peer.write(`${crypto.randomBytes(8).toString('hex')}\n`);
    tell(`${worker} ${number} ${performance.now()} ${(await lines.next()).value}`);
  }
  peer.destroy();
}

async function main(host) {
  const answers = [];
  const thread = new Worker(__filename, { workerData: host });
  thread.on('message', (text) => answers.push(text));
  const ended = new Promise((done) => thread.on('exit', done));
  const tell = (text) => answers.push(text);
  await Promise.all([...[0, 1, 2].map((worker) => ask(host, worker, tell)), ended]);
  console.log(answers.join('\n'), Date.now(), crypto.randomUUID());
}

if (!isMainThread) ask(workerData, 3, (text) => parentPort.postMessage(text));
else if (process.argv[2] === 'serve') serve();
else main(process.argv[3]);
