// nonce is what the server's policy wants to see on styles that scripts write.
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}
