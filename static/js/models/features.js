// What the server of this build has. A room whose routes are not there yet is shown nowhere.

export const features = {
  export: true,
  people: false,
};
