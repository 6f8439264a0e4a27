// Adds the token to each request: the conformance suite can send none. Prints its address.
import http from "http";

const target = new URL(process.env.SERVER);
const proxy = http.createServer((request, response) => {
  const headers = { ...request.headers, authorization: "Bearer " + process.env.TOKEN };
  const onward = http.request({ host: target.hostname, port: target.port, path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
});
proxy.listen(0, "127.0.0.1", () => console.log("http://127.0.0.1:" + proxy.address().port));
