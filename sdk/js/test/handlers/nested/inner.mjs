export const handle = () => import.meta.url.split('/').slice(-2).join('/');
