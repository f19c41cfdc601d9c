export const handle = (;
