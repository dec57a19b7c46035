// tuf-js behind the client contract that cotter-tuf has (docs/attack-kit.md), for the attack kit:
//   node client.mjs --metadata-dir D init ROOT_FILE
//   node client.mjs --metadata-dir D --metadata-url U refresh
//   node client.mjs --metadata-dir D --metadata-url U --target-name N --target-base-url U --target-dir D download
// An adapter and nothing more: what it lets through, tuf-js lets through.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Updater } from 'tuf-js';

const options = { 'target-name': [] };
const words = [];
const given = process.argv.slice(2);
while (given.length > 0) {
  const word = given.shift();
  if (!word.startsWith('--')) words.push(word);
  else if (word === '--target-name') options['target-name'].push(given.shift());
  else options[word.slice(2)] = given.shift();
}

const slash = (url) => (url.endsWith('/') ? url : `${url}/`);

function updater() {
  return new Updater({
    metadataBaseUrl: slash(options['metadata-url']),
    metadataDir: options['metadata-dir'],
    targetBaseUrl: options['target-base-url'] && slash(options['target-base-url']),
    targetDir: options['target-dir'],
  });
}

// What tuf-js is still writing when it gives up must not stand among the targets.
async function download(client, name) {
  const target = await client.getTargetInfo(name);
  if (!target) throw new Error(`${name} is not listed`);
  const file = join(options['target-dir'], encodeURIComponent(name));
  if (await client.findCachedTarget(target, file)) return;
  const coming = mkdtempSync(join(tmpdir(), 'tuf-js-'));
  try {
    await client.downloadTarget(target, join(coming, 'target'));
    copyFileSync(join(coming, 'target'), file);
  } finally {
    rmSync(coming, { recursive: true, force: true });
  }
}

async function run() {
  const [command, root] = words;
  if (command === 'init') {
    mkdirSync(options['metadata-dir'], { recursive: true });
    copyFileSync(root, join(options['metadata-dir'], 'root.json'));
    return;
  }
  if (!existsSync(join(options['metadata-dir'], 'root.json'))) throw new Error('no trusted root');
  const client = updater();
  await client.refresh();
  if (command === 'download') for (const name of options['target-name']) await download(client, name);
}

try {
  await run();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
