// The engines of the bench, with Zoufang before its peers; `cargo xtask bench --peers` puts this in the place of the
// bench's own list, which it keeps as others.mjs.
import { ENGINES as OTHERS } from './others.mjs';
import zoufang from './zoufang/adapter.mjs';

export const ENGINES = { [zoufang.name]: zoufang, ...OTHERS };
