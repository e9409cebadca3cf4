// A program opened through the client library of the protocol.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { test } = require('node:test');
const {
  createProtocolConnection, StreamMessageReader, StreamMessageWriter,
} = require('vscode-languageserver-protocol/node');

const program = process.env.VIPPL ?? 'vippl';
const uri = 'file:///nowhere/model.vi';
const text = 'data school(effect, se)\nmu ~ Normal(0, 5)\neffect ~ Normal(mu, sde)\n';

test('a program with a mistake is diagnosed, described and mended', async () => {
  const server = spawn(program, ['lsp'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const connection = createProtocolConnection(
    new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin),
  );
  const told = new Promise((resolve) => {
    connection.onNotification('textDocument/publishDiagnostics', resolve);
  });
  connection.listen();
  const { capabilities } = await connection.sendRequest('initialize', {
    processId: process.pid, rootUri: null, capabilities: {},
  });
  assert.ok(capabilities.hoverProvider);
  await connection.sendNotification('initialized', {});
  await connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'vippl', version: 1, text },
  });
  const { diagnostics } = await told;
  assert.equal(diagnostics[0].code, 'unknown-name');
  const position = { line: 1, character: 0 };
  const hover = await connection.sendRequest('textDocument/hover', {
    textDocument: { uri }, position,
  });
  assert.match(hover.contents.value, /mu: latent/);
  const actions = await connection.sendRequest('textDocument/codeAction', {
    textDocument: { uri }, range: diagnostics[0].range, context: { diagnostics },
  });
  assert.ok(actions.some((action) => action.edit));
  await connection.sendRequest('shutdown');
  await connection.sendNotification('exit');
  assert.equal(await new Promise((resolve) => server.on('exit', resolve)), 0);
});
