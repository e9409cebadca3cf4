// The client of `vippl lsp`, and commands that run the program in a terminal.

const path = require('path');
const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;
let pages;

function settings() {
  const configuration = vscode.workspace.getConfiguration('vippl');
  return {
    path: configuration.get('path', 'vippl'),
    data: configuration.get('data', []),
    documentation: configuration.get('documentation', null),
  };
}

async function start() {
  const { path: command, data, documentation } = settings();
  const run = { command, args: ['lsp'] };
  client = new LanguageClient('vippl', 'vippl', { run, debug: run }, {
    documentSelector: [{ language: 'vippl' }],
    initializationOptions: { data, documentation },
    synchronize: { configurationSection: 'vippl' },
    middleware: {
      // The page of a diagnostic comes back as Markdown, to be shown.
      executeCommand: async (name, values, next) => {
        const page = await next(name, values);
        if (name === 'vippl.explain' && page) {
          await show(String(values[0]), page);
        }
        return page;
      },
    },
  });
  await client.start();
}

async function show(slug, page) {
  const uri = vscode.Uri.parse(`vippl-page:${slug}.md`);
  pages.texts.set(uri.toString(), page);
  await vscode.commands.executeCommand('markdown.showPreview', uri);
}

/** A word as a shell takes it. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `"${word.replace(/(["\\$`])/g, '\\$1')}"`;
}

/** Runs a command of vippl on the program in front, with its data, in a terminal. */
async function inTerminal(command) {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.document.languageId !== 'vippl') {
    return;
  }
  await editor.document.save();
  const file = editor.document.uri.fsPath;
  const { path: program, data } = settings();
  const terminal = vscode.window.terminals.find((t) => t.name === 'vippl')
    ?? vscode.window.createTerminal({ name: 'vippl', cwd: path.dirname(file) });
  terminal.show(true);
  const beside = data.length > 0 ? data : await besides(file);
  terminal.sendText([program, command, file, ...beside].map(quoted).join(' '));
}

/** The data of the same name as a program, if its text names none. */
async function besides(file) {
  for (const ending of ['.csv', '.json', '.tsv']) {
    const data = file.replace(/\.vi$/, ending);
    try {
      await vscode.workspace.fs.stat(vscode.Uri.file(data));
      return [data];
    } catch {
      // There is no such file.
    }
  }
  return [];
}

async function activate(context) {
  pages = { texts: new Map(), provideTextDocumentContent: (uri) => pages.texts.get(uri.toString()) };
  context.subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider('vippl-page', pages),
    vscode.commands.registerCommand('vippl.run', () => inTerminal('run')),
    vscode.commands.registerCommand('vippl.prior', () => inTerminal('prior')),
    vscode.commands.registerCommand('vippl.repl', () => inTerminal('repl')),
    vscode.commands.registerCommand('vippl.restart', async () => {
      await client?.stop();
      await start();
    }),
  );
  try {
    await start();
  } catch (error) {
    vscode.window.showErrorMessage(
      `vippl: the language server does not start (${error.message}); set \`vippl.path\` to the program.`,
    );
  }
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
