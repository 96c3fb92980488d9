// In the place of 3 kB that Django loads with every form, for slugs made of titles: none of ours has such a field.
