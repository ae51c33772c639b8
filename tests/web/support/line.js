// A line to the server that can be cut: what is open breaks, and nothing new gets through until it is mended. Or what is
// open falls silent.

import { connect, createServer } from "node:net";

export async function startLine(server) {
  const sockets = new Set();
  const line = { isCut: false };
  const keep = (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  const proxy = createServer((near) => {
    keep(near);
    if (line.isCut) return near.destroy();
    const far = keep(connect(server.port, "127.0.0.1"));
    near.pipe(far);
    far.pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  line.url = `http://127.0.0.1:${proxy.address().port}`;
  line.cut = () => {
    line.isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  /** What is open stays open, and nothing comes through it any more, as when a network was left for another one. */
  line.mute = () => {
    for (const socket of sockets) {
      socket.unpipe();
      // Who still sends is told that nobody is there.
      if (socket.localPort === proxy.address().port) socket.once("data", () => socket.destroy()).resume();
    }
  };
  line.mend = () => {
    line.isCut = false;
  };
  line.stop = () => {
    line.cut();
    proxy.close();
  };
  return line;
}
