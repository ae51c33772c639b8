// Signs policies with the official OSS client: a JSON list of {secret, id, region, policy, date} on standard input, a list
// of {v1, v4} on standard output. The policy is text and keeps its spelling, since that is what is signed.
'use strict';
const OSS = require('ali-oss');

let input = '';
process.stdin.on('data', (piece) => (input += piece));
process.stdin.on('end', () => {
  const signed = JSON.parse(input).map(({ secret, id, region, policy, date }) => {
    const client = new OSS({ accessKeyId: id, accessKeySecret: secret, bucket: 'any', region });
    return {
      v1: client.calculatePostSignature(policy).Signature,
      v4: client.signPostObjectPolicyV4(policy, new Date(date)),
    };
  });
  process.stdout.write(JSON.stringify(signed));
});
