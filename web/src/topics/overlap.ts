// overlap tells whether two MQTT topic filters have a topic in common.
export function overlap(a: string, b: string): boolean {
  const [x, y] = [a.split("/"), b.split("/")];
  for (let i = 0; ; i++) {
    if (x[i] === "#" || y[i] === "#") return true;
    if (i === x.length || i === y.length) {
      // One has ended: the other may end here too, for a/# takes in a.
      const rest = i === x.length ? y.slice(i) : x.slice(i);
      return rest.length === 0;
    }
    if (x[i] !== "+" && y[i] !== "+" && x[i] !== y[i]) return false;
  }
}
