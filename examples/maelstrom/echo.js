#!/usr/bin/env node
// Sends back what it is sent: a node in another language.

const readline = require("readline");

let id = "";
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { src, body } = JSON.parse(line);
  if (body.type === "init") id = body.node_id;
  const answer = { ...body, type: `${body.type}_ok`, in_reply_to: body.msg_id };
  console.log(JSON.stringify({ src: id, dest: src, body: answer }));
});
