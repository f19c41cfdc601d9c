/** Answers {"name": "Ada"} with {"message": "Hello, Ada!"}. */
exports.handler = async (event, context) => {
  const name = event?.name ?? 'world';
  console.log(`greeting ${name}`);
  return { message: `Hello, ${name}!` };
};
