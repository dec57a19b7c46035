// Downloads one image through tuf-js: node read.mjs ROOT_FILE METADATA_URL TARGET_NAME FOLDER
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Updater } from 'tuf-js';

const [rootFile, metadataUrl, targetName, folder] = process.argv.slice(2);
const metadataDir = join(folder, 'metadata');
const targetDir = join(folder, 'targets');
mkdirSync(metadataDir, { recursive: true });
mkdirSync(targetDir, { recursive: true });
copyFileSync(rootFile, join(metadataDir, 'root.json'));

const updater = new Updater({
  metadataBaseUrl: metadataUrl,
  metadataDir,
  targetBaseUrl: `${metadataUrl}/targets`,
  targetDir,
});
await updater.refresh();
const target = await updater.getTargetInfo(targetName);
if (!target) throw new Error(`${targetName} is not listed`);
const file = await updater.downloadTarget(target, join(targetDir, 'image'));
console.log(file);
