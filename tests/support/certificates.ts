/**
 * Certificates for tests, made when they are needed.
 *
 * @module
 */
import { isIP } from "node:net";
import forge from "node-forge";

const { md, pki } = forge;

/** A certificate authority. */
export interface Authority {
  /** The PEM file of its own certificate, for whoever is to trust it. */
  file: string;
  /**
   * Signs a certificate for a server or a client.
   *
   * @param name of a server: its host name or address
   * @returns a PEM file that holds the key too
   */
  sign(name: string): Promise<string>;
}

/** Makes an authority, whose files go to a folder. */
export async function makeAuthority(folder: string, name: string): Promise<Authority> {
  const keys = pki.rsa.generateKeyPair(2048);
  const certify = (subject: string, publicKey: unknown, extensions: Record<string, unknown>[]): string => {
    const certificate = pki.createCertificate();
    certificate.publicKey = publicKey;
    // The first digit says that it is positive.
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
