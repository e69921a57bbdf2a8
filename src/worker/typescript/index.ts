export { installTypeScript } from './install.js';
