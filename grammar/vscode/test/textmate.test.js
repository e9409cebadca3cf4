// The colours of the TextMate grammar on one line of each kind.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const oniguruma = require('vscode-oniguruma');
const textmate = require('vscode-textmate');

async function grammar() {
  const wasm = fs.readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm')).buffer;
  await oniguruma.loadWASM(wasm);
  const file = path.join(__dirname, '..', 'vippl.tmLanguage.json');
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(file, 'utf8'), file),
  });
  return registry.loadGrammar('source.vippl');
}

test('words are coloured by what they are', async () => {
  const rules = await grammar();
  for (const [line, word, scope] of [
    ['data school(y) from "a.csv"', 'data', 'keyword.control'],
    ['data school(y) from "a.csv"', 'from', 'keyword.control'],
    ['data = 3', 'data', null],
    ['mu ~ Normal(0, sd = 1e-3) # prior', 'Normal', 'support.class'],
    ['mu ~ Normal(0, sd = 1e-3) # prior', 'sd', 'variable.parameter'],
    ['mu ~ Normal(0, sd = 1e-3) # prior', '1e-3', 'constant.numeric'],
    ['mu ~ Normal(0, sd = 1e-3) # prior', '# prior', 'comment.line'],
    ['x = if a then log(b) else m.f(c)', 'then', 'keyword.control'],
    ['x = if a then log(b) else m.f(c)', 'log', 'entity.name.function'],
    ['x = if a then log(b) else m.f(c)', 'm', 'entity.name.namespace'],
  ]) {
    const { tokens } = rules.tokenizeLine(line, textmate.INITIAL);
    const at = line.indexOf(word);
    const token = tokens.find((t) => t.startIndex <= at && at < t.endIndex);
    const scopes = token.scopes.slice(1).join(' ');
    assert.ok(scope === null ? scopes === '' : scopes.includes(scope), `${line}: ${word}: ${scopes}`);
  }
});
