// Writes post_quantum.json, what another make signs: keys and signatures of ML-DSA and SLH-DSA by @noble/post-quantum. Nothing
// runs it while building or testing. To renew: npm install @noble/post-quantum@0.7.1 beside it, then
// node post_quantum.mjs >post_quantum.json
// Keys and signatures come of fixed seeds, so that the same version writes the same file.
import {ml_dsa44, ml_dsa65, ml_dsa87} from '@noble/post-quantum/ml-dsa.js';
import {slh_dsa_sha2_128s} from '@noble/post-quantum/slh-dsa.js';
import {sha512} from '@noble/hashes/sha2.js';

const hex = bytes => Buffer.from(bytes).toString('hex');
const schemes = [
  {name: 'ml-dsa-44', keytype: 'ml-dsa', oid: 17, make: ml_dsa44, bytes: 32},
  {name: 'ml-dsa-65', keytype: 'ml-dsa', oid: 18, make: ml_dsa65, bytes: 32},
  {name: 'ml-dsa-87', keytype: 'ml-dsa', oid: 19, make: ml_dsa87, bytes: 32},
  {name: 'slh-dsa-sha2-128s', keytype: 'slh-dsa', oid: 20, make: slh_dsa_sha2_128s, bytes: 48},
];

// DER by hand: TAG, length, content.
function der(tag, ...contents) {
  const content = Buffer.concat(contents);
  const n = content.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
// RFC 9881, RFC 9909: 2.16.840.1.101.3.4.3.N, no parameters.
function pem(oid, key) {
  const algorithm = der(0x30, Buffer.from([6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, oid]));
  const base64 = der(0x30, algorithm, der(3, Buffer.from([0]), key)).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${base64.match(/.{1,64}/g).join('\n')}\n-----END PUBLIC KEY-----\n`;
}
const prefixed = (version, hash) => Buffer.concat([Buffer.from('tuf'), Buffer.from([version]), hash]);

const message = Buffer.from('{"_type":"timestamp","note":"café"}');
const input = prefixed(1, sha512(message));
const keys = [];
const cases = [];
for (const {name, keytype, oid, make, bytes} of schemes) {
  const {publicKey, secretKey} = make.keygen(new Uint8Array(bytes).fill(oid));
  const sign = (text, options = {}) => hex(make.sign(text, secretKey, {extraEntropy: false, ...options}));
  const key = {keytype, keyval: {public: pem(oid, publicKey)}, scheme: `${name}/1`};
  const add = (about, valid, signature) =>
    cases.push({name: `${name}${about}`, key, message: hex(message), signature, valid});
  add('', true, sign(input));
  if (name !== 'ml-dsa-44') continue;
  add(': with entropy', true, sign(input, {extraEntropy: new Uint8Array(32).fill(7)}));
  add(': of the message itself', false, sign(message));
  add(': of the digest without the prefix', false, sign(sha512(message)));
  add(': under the prefix of another version', false, sign(prefixed(2, sha512(message))));
  add(': under a context', false, sign(input, {context: Buffer.from('tuf')}));
  add(': HashML-DSA', false, hex(make.prehash(sha512).sign(message, secretKey, {extraEntropy: false})));
  add(': a byte too long', false, sign(input) + '00');
}
console.log(JSON.stringify({
  source: 'By @noble/post-quantum 0.7.1 (npm, MIT) and post_quantum.mjs, which lies beside this file. Private keys are of fixed ' +
    'seeds: for tests alone.',
  cases,
}, null, 1));
