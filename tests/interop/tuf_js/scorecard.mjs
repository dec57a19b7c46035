// Writes docs/tuf-js-scorecard.md: node scorecard.mjs REPORT.json NOTES.json VERSION. The report is cotter-replay's; the notes say
// why, for each scenario in which tuf-js was fooled, and were written by people who looked.
import { readFileSync } from 'node:fs';

const [reportFile, notesFile, version] = process.argv.slice(2);
const report = JSON.parse(readFileSync(reportFile, 'utf8'));
const notes = JSON.parse(readFileSync(notesFile, 'utf8'));
const asked = report.scenarios.filter((each) => each.outcome !== 'not-asked' && each.outcome !== 'waiting');
const fooled = asked.filter((each) => each.outcome === 'fooled');

const cell = (text) => (text ?? '').replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (...cells) => `| ${cells.map(cell).join(' | ')} |`;
const lines = [
  `# The scorecard of tuf-js ${version}`,
  '',
  `Replayed ${report.at.slice(0, 10)} by \`./dev interop\`, which writes this page: the plain TUF part of [the attack kit](attack-kit.md)`,
  'against a client of another make, by its own defaults and [an adapter](../tests/interop/tuf_js/client.mjs) of 60 lines.',
  '',
  `**${asked.length} scenarios: ${asked.length - fooled.length} as required, ${fooled.length} not.** Not as required is not the same as unsafe:`,
  'the kit asks for what our own client does. What each difference is worth stands beside it.',
  '',
];
if (fooled.length > 0) {
  lines.push('| scenario | attack | lapse | what it did | why |', '| --- | --- | --- | --- | --- |');
  for (const each of fooled) {
    const why = notes[each.name] ?? 'not looked into yet';
    lines.push(row(`\`${each.name}\``, each.attack, each.lapse, each.what, why));
  }
  lines.push('');
}
lines.push('## As required', '', '| scenario | attack | the client must |', '| --- | --- | --- |');
for (const each of asked) {
  if (each.outcome === 'as-required') lines.push(row(`\`${each.name}\``, each.attack, each.must));
}
console.log(lines.join('\n'));
