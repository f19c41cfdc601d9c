exports.handler = async (event) => ({ common: event });
// What Node's static look at the exports does not see.
Object.assign(exports, { ['dyna' + 'mic']: () => 'found' });
