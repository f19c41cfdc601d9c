import 'no-such-package'; export const handle = () => 1;
