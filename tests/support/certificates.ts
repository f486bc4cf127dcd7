/**
 * Certificates for tests, made on demand.
 *
 * @module
 */
import { isIP } from "node:net";
import forge from "node-forge";

const { md, pki } = forge;

/** A certificate authority. */
export interface Authority {
  /** The PEM file of the authority's own certificate, for those who trust it. */
  file: string;
  /**
   * Signs a certificate for a server or a client.
   *
   * @param name a server's host name or address, or any name for a client
   * @returns the path of a PEM file with the certificate and its key
   */
  sign(name: string): Promise<string>;
}

/** Makes an authority that writes its files to a folder. */
export async function makeAuthority(folder: string, name: string): Promise<Authority> {
  const keys = pki.rsa.generateKeyPair(2048);
  const certify = (subject: string, publicKey: unknown, extensions: Record<string, unknown>[]): string => {
    const certificate = pki.createCertificate();
    certificate.publicKey = publicKey;
    // A leading zero makes the number positive.
    certificate.serialNumber = `0${crypto.randomUUID().replaceAll("-", "").slice(1)}`;
    certificate.validity.notAfter.setFullYear(certificate.validity.notBefore.getFullYear() + 1);
    certificate.setSubject([{ name: "commonName", value: subject }]);
    certificate.setIssuer([{ name: "commonName", value: name }]);
    certificate.setExtensions(extensions);
    certificate.sign(keys.privateKey, md.sha256.create());
    return pki.certificateToPem(certificate);
  };
  const authority: Authority = {
    file: `${folder}/${name}.pem`,
    async sign(subject) {
      const { publicKey, privateKey } = pki.rsa.generateKeyPair(2048);
      const certificate = certify(subject, publicKey, [
        { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
        { name: "extKeyUsage", serverAuth: true, clientAuth: true },
        {
          name: "subjectAltName",
          altNames: [isIP(subject) ? { type: 7, ip: subject } : { type: 2, value: subject }],
        },
      ]);
      const file = `${folder}/${name}-${subject}.pem`;
      await Deno.writeTextFile(file, pki.privateKeyToPem(privateKey) + certificate, { mode: 0o600 });
      return file;
    },
  };
  const ownCertificate = certify(name, keys.publicKey, [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, critical: true },
  ]);
  await Deno.writeTextFile(authority.file, ownCertificate);
  return authority;
}
